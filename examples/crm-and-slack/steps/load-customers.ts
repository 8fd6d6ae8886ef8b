import assert from 'node:assert/strict';
import { CUSTOMER_COUNT } from '../customers.js';
import type { Step } from './step.js';

/** Fills `CRM.customers` as an agent of its own would: through governed writes, each on record. */
export const loadCustomers: Step = {
  name: 'load-customers',
  title: `crm-sync writes ${CUSTOMER_COUNT} customers into the memory CRM.customers`,
  run: async ({ startAgent, report }) => {
    const answers = await startAgent('crm-sync', 'load').finish();
    const failed = answers.find((answer) => !answer.ok);
    assert.equal(failed, undefined, `a write failed: ${failed?.code ?? ''} ${failed?.reason ?? ''}`);
    report.say(`crm-sync  wrote ${CUSTOMER_COUNT} records in ${answers.length} governed calls`);
    return { records: CUSTOMER_COUNT, calls: answers.length };
  },
};

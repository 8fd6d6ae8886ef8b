import { MemoryRecordInput } from '#writ/contracts';
import { CUSTOMER_COUNT, customers, LEGAL_HOLD } from './customers.js';

describe('the example customers', () => {
  it('are the same records at every call', () => {
    expect(customers()).toEqual(customers());
  });

  it('are 240 records with different ids, all of them valid memory records', () => {
    const records = customers();
    expect(records).toHaveLength(CUSTOMER_COUNT);
    expect(new Set(records.map((record) => record.id)).size).toBe(CUSTOMER_COUNT);
    for (const record of records) expect(MemoryRecordInput.parse(record)).toEqual(record);
  });

  it('have twenty under legal hold, and a region and a tier each', () => {
    const records = customers();
    expect(records.filter((record) => record.labels.includes(LEGAL_HOLD))).toHaveLength(20);
    for (const { labels } of records) {
      expect(labels.filter((label) => label.startsWith('region:'))).toHaveLength(1);
      expect(labels.filter((label) => label.startsWith('tier:'))).toHaveLength(1);
    }
  });

  it('carry an address and a number in the text and in the data, for the redaction to remove', () => {
    for (const { text, data } of customers()) {
      expect(data.email).toMatch(/^[a-z]+\.[a-z]+\.\d+@example\.com$/);
      expect(text).toContain(data.email);
      expect(text).toContain(data.phone);
    }
  });
});

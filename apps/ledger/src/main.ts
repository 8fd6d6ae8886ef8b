import { runLedgerService, startService } from '#writ/service-host';
import { LedgerConfig } from './config.js';
import { ledgerService } from './ledger.module.js';

await runLedgerService(LedgerConfig, async (context, settings) => startService(await ledgerService(context, settings)));

import { runLedgerService } from '#writ/service-host';
import { ExporterConfig } from './config.js';
import { startExporter } from './start-exporter.js';

await runLedgerService(ExporterConfig, startExporter);

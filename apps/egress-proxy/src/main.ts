import { runService, startExecutor } from '#writ/service-host';
import { EgressProxyConfig } from './config.js';
import { egressProxy } from './egress-proxy.module.js';

await runService(EgressProxyConfig, async (context, settings) =>
  startExecutor(context, await egressProxy(context, settings)),
);

// Asks for two addresses with undici, which takes the proxy from the environment. Nothing in here knows of Writ.
import { EnvHttpProxyAgent, fetch, setGlobalDispatcher } from 'undici';

// A plain request is sent to the proxy as one, as curl does; undici would open a tunnel for it.
setGlobalDispatcher(new EnvHttpProxyAgent({ proxyTunnel: false }));
for (const url of process.argv.slice(2)) {
  const answer = await fetch(url);
  console.log(url.slice(url.lastIndexOf('/') + 1), answer.status, answer.headers.get('writ-code') ?? '');
}

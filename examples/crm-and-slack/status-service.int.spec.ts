import { startStatusService } from './status-service.js';

describe('the status service', () => {
  it('answers whoever has the key, and sends the key back', async () => {
    const service = await startStatusService({ key: 'status-key-example' });
    try {
      const refused = await fetch(`${service.url}/api/status`);
      expect(refused.status).toBe(401);
      const headers = { authorization: 'Bearer status-key-example' };
      const answer = await fetch(`${service.url}/api/status`, { headers });
      expect(await answer.json()).toEqual({ status: 'operational', youSent: headers });
      expect((await fetch(`${service.url}/elsewhere`, { headers })).status).toBe(404);
      expect(service.authorised).toBe(1);
    } finally {
      await service.close();
    }
  });
});

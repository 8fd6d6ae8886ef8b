import { execFileSync } from 'node:child_process';

/**
 * Makes, in that directory, two certificate authorities (`ca`, `other-ca`) and under the first a server for 127.0.0.1 (`server`), one for
 * another host (`elsewhere`) and a client (`client`), each as `<name>.pem` and `<name>.key`. False where there is no openssl 3.
 */
export function makeCertificates(directory: string): boolean {
  const openssl = (command: string) => execFileSync('openssl', command.split(' '), { cwd: directory, stdio: 'pipe' });
  const leaf = (name: string, san: string) => {
    openssl(
      `req -newkey rsa:2048 -nodes -keyout ${name}.key -out ${name}.csr -subj /CN=${name} -addext subjectAltName=${san}`,
    );
    openssl(
      `x509 -req -in ${name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out ${name}.pem -days 2 -copy_extensions copy`,
    );
  };
  try {
    for (const ca of ['ca', 'other-ca'])
      openssl(`req -x509 -newkey rsa:2048 -nodes -keyout ${ca}.key -out ${ca}.pem -days 2 -subj /CN=${ca}`);
    leaf('server', 'IP:127.0.0.1,DNS:localhost');
    leaf('elsewhere', 'DNS:siem.example');
    leaf('client', 'DNS:writ.example');
    return true;
  } catch {
    return false;
  }
}

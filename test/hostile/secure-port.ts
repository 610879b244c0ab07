// A server with one port, in TLS.
import { certificateFor } from '../support/certificate.ts';

const { certificate, key } = certificateFor('localhost');

export const SECURE_PORT = {
  set: { 'ADAPTOR.HOSTPORT': '127.0.0.1:0,-0' },
  conf: {
    '_defaultRoot_/cert.pem': certificate,
    '_defaultRoot_/key.pem': key,
    '_defaultRoot_/Adaptor.xml': `<Adaptor>
      <HostPortList><HostPort>\${ADAPTOR.HOSTPORT}</HostPort></HostPortList>
      <SSL><SSLServerCtx>
        <SSLCertificateFile>cert.pem</SSLCertificateFile>
        <SSLCertificateKeyFile type="PEM">key.pem</SSLCertificateKeyFile>
      </SSLServerCtx></SSL>
    </Adaptor>`,
  },
};

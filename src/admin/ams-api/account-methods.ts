// Administrators, by the names of Flash Media Server.
import { AdminError } from '../admin-error.ts';
import { forServer, type MethodTable } from './method.ts';

export const ACCOUNT_METHODS: MethodTable = {
  getAdmins: forServer(({ parameters }, { accounts, administered }) => {
    const wanted = parameters.get('adaptorName') ?? administered.hosts[0]?.adaptor;
    const isOfHosts = (name: string) => accounts.scopeOf(name) !== undefined;
    return {
      server_admins: accounts.names.filter((name) => !isOfHosts(name)),
      vhost_admins: accounts.names.filter((name) => accounts.scopeOf(name)?.adaptor === wanted),
    };
  }),
  addAdmin: forServer(async ({ parameters, caller }, { commands }) => {
    if (!['', '/', 'server'].includes(parameters.get('scope') ?? '')) {
      const where = 'Users.xml beside its Vhost.xml';
      throw new AdminError(
        'ERR_ADMIN_ARGUMENT',
        `an administrator of a virtual host alone is made in ${where}`,
      );
    }
    await commands.addAccount(parameters.need('name', 'admin'), parameters.need('password'), caller);
  }),
  changePswd: forServer(async ({ parameters, caller }, { commands }) => {
    await commands.changePassword(parameters.need('name', 'admin'), parameters.need('password'), caller);
  }),
  removeAdmin: forServer(({ parameters, caller }, { commands }) => {
    commands.removeAccount(parameters.need('name', 'admin'), caller);
  }),
};

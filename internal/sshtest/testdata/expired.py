# An SSH server whose passwords have all expired: it wants new ones, RFC 4252
# section 8. Argument: a port of 127.0.0.1.
import asyncio
import sys
import warnings

warnings.simplefilter("ignore")
import asyncssh


class Server(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        raise asyncssh.PasswordChangeRequired("Your password has expired.")

    def change_password(self, username, old, new):
        return old == "ghost" and new == "nymeria"


async def main():
    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.create_server(Server, "127.0.0.1", int(sys.argv[1]), server_host_keys=[key])
    print("ready", flush=True)
    await server.wait_closed()


asyncio.run(main())

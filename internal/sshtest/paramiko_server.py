"""A server of paramiko on its standard input: HOSTKEY AUTHORIZED SETTING...

It runs commands and connects to TCP ports, and lets anybody in who has the
key. Each setting is an attribute of the Transport: NAME=PYTHON.
"""

import socket
import subprocess
import sys
import threading

import paramiko


class Server(paramiko.ServerInterface):
    def __init__(self, authorized):
        self.authorized = authorized.split()[1]

    def get_allowed_auths(self, username):
        return "publickey"

    def check_auth_publickey(self, username, key):
        if key.get_base64() == self.authorized:
            return paramiko.AUTH_SUCCESSFUL
        return paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        channel.asked_for = command
        return True

    def check_channel_direct_tcpip_request(self, chanid, origin, destination):
        self.destination = destination
        return paramiko.OPEN_SUCCEEDED


# A command begins once the answer to its request is on its way: a channel that
# is closed before that has not answered.
def handle_request(channel, message):
    answer_request(channel, message)
    command = channel.__dict__.pop("asked_for", None)
    if command is not None:
        threading.Thread(target=run, args=(channel, command)).start()


handlers = paramiko.Transport._channel_handler_table
answer_request = handlers[paramiko.common.MSG_CHANNEL_REQUEST]
handlers[paramiko.common.MSG_CHANNEL_REQUEST] = handle_request


def run(channel, command):
    done = subprocess.run(command, shell=True, stdin=subprocess.DEVNULL, capture_output=True)
    channel.sendall(done.stdout)
    channel.send_exit_status(done.returncode)
    channel.close()


def copy(source, sink):
    try:
        while data := source.recv(32768):
            sink.sendall(data)
    except OSError:
        pass
    for end in source, sink:
        end.close()


host_key, authorized, *settings = sys.argv[1:]
transport = paramiko.Transport(socket.socket(fileno=0))
for setting in settings:
    name, value = setting.split("=", 1)
    setattr(transport, name, eval(value))
transport.add_server_key(paramiko.RSAKey.from_private_key_file(host_key))
server = Server(authorized)
transport.start_server(server=server)
while transport.is_active():
    channel = transport.accept(1)
    if channel is not None and channel.get_name() and hasattr(server, "destination"):
        far = socket.create_connection(server.destination)
        del server.destination
        threading.Thread(target=copy, args=(channel, far)).start()
        threading.Thread(target=copy, args=(far, channel)).start()

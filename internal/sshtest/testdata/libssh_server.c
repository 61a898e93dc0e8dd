/*
 * A server of libssh for one connection, its standard input and output, as inetd
 * has it: "server HOSTKEY TYPE KEY" lets anybody in with one public key, runs
 * commands, and connects to where direct-tcpip says (RFC 4254 section 7.2).
 */
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a channel is connected to: a command, or a socket (pid 0). */
struct stream {
	ssh_channel channel;
	struct ssh_channel_callbacks_struct calls;
	int in, out; /* written to, and read; -1 if closed */
	pid_t pid;
};

static ssh_event event;
static ssh_key allowed;

static void shut(struct stream *s)
{
	if (s->in >= 0 && s->in == s->out)
		shutdown(s->in, SHUT_WR);
	else if (s->in >= 0)
		close(s->in);
	if (s->in != s->out)
		s->in = -1;
}

static int arrived(ssh_session session, ssh_channel channel, void *data, uint32_t len, int is_stderr, void *arg)
{
	struct stream *s = arg;

	return s->in >= 0 ? write(s->in, data, len) : len;
}

static void ended(ssh_session session, ssh_channel channel, void *arg)
{
	shut(arg);
}

/* readable passes on what a command or a socket has written. */
static int readable(socket_t fd, int revents, void *arg)
{
	struct stream *s = arg;
	char buf[8192];
	ssize_t n = read(fd, buf, sizeof buf);
	int status = 0;

	if (n > 0) {
		ssh_channel_write(s->channel, buf, n);
		return 0;
	}
	ssh_event_remove_fd(event, fd);
	ssh_channel_send_eof(s->channel);
	if (s->pid > 0) {
		waitpid(s->pid, &status, 0);
		ssh_channel_request_send_exit_status(s->channel, WEXITSTATUS(status));
	}
	ssh_channel_close(s->channel);
	close(fd);
	s->in = s->out = -1;
	return 0;
}

static int run(ssh_session session, ssh_channel channel, const char *command, void *arg)
{
	struct stream *s = arg;
	int in[2], out[2];

	if (pipe(in) || pipe(out))
		return 1;
	s->pid = fork();
	if (s->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	s->in = in[1];
	s->out = out[0];
	ssh_event_add_fd(event, s->out, POLLIN, readable, s);
	return 0;
}

static struct stream *streamOf(ssh_channel channel)
{
	struct stream *s = calloc(1, sizeof *s);

	s->channel = channel;
	s->in = s->out = -1;
	s->calls.userdata = s;
	s->calls.channel_data_function = arrived;
	s->calls.channel_eof_function = ended;
	s->calls.channel_exec_request_function = run;
	ssh_callbacks_init(&s->calls);
	ssh_set_channel_callbacks(channel, &s->calls);
	return s;
}

static ssh_channel session_asked(ssh_session session, void *arg)
{
	ssh_channel channel = ssh_channel_new(session);

	streamOf(channel);
	return channel;
}

/* asked connects to where a client wants a connection to. */
static int asked(ssh_session session, ssh_message m, void *arg)
{
	struct addrinfo *to, hints = {.ai_socktype = SOCK_STREAM};
	struct stream *s;
	char port[16];
	int fd;

	if (ssh_message_type(m) != SSH_REQUEST_CHANNEL_OPEN || ssh_message_subtype(m) != SSH_CHANNEL_DIRECT_TCPIP)
		return 1;
	snprintf(port, sizeof port, "%d", ssh_message_channel_request_open_destination_port(m));
	if (getaddrinfo(ssh_message_channel_request_open_destination(m), port, &hints, &to))
		return 1;
	fd = socket(to->ai_family, SOCK_STREAM, 0);
	if (connect(fd, to->ai_addr, to->ai_addrlen))
		return 1;
	s = streamOf(ssh_message_channel_request_open_reply_accept(m));
	s->in = s->out = fd;
	ssh_event_add_fd(event, fd, POLLIN, readable, s);
	return 0;
}

static int judged(ssh_session session, const char *user, struct ssh_key_struct *key, char state, void *arg)
{
	int known = ssh_key_cmp(key, allowed, SSH_KEY_CMP_PUBLIC) == 0;

	return known && (state == SSH_PUBLICKEY_STATE_NONE || state == SSH_PUBLICKEY_STATE_VALID) ? SSH_AUTH_SUCCESS : SSH_AUTH_DENIED;
}

int main(int argc, char **argv)
{
	struct ssh_server_callbacks_struct calls = {
		.auth_pubkey_function = judged, .channel_open_request_session_function = session_asked};
	ssh_bind bind = ssh_bind_new();
	ssh_session session = ssh_new();

	signal(SIGPIPE, SIG_IGN);
	if (argc != 4 || ssh_pki_import_pubkey_base64(argv[3], ssh_key_type_from_name(argv[2]), &allowed))
		return 2;
	ssh_bind_options_set(bind, SSH_BIND_OPTIONS_HOSTKEY, argv[1]);
	ssh_callbacks_init(&calls);
	ssh_set_server_callbacks(session, &calls);
	ssh_set_message_callback(session, asked, NULL);
	ssh_set_auth_methods(session, SSH_AUTH_METHOD_PUBLICKEY);
	if (ssh_bind_accept_fd(bind, session, 0) || ssh_handle_key_exchange(session)) {
		fprintf(stderr, "%s\n", ssh_get_error(session));
		return 1;
	}
	event = ssh_event_new();
	ssh_event_add_session(event, session);
	while (ssh_is_connected(session) && ssh_event_dopoll(event, -1) != SSH_ERROR)
		;
	return 0;
}

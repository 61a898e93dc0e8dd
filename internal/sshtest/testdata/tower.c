/*
 * A module of glibc's name service switch, called tower: it knows the users of
 * the file $TOWER/passwd, as passwd(5), and the hosts of $TOWER/hosts, as
 * hosts(5). A user is in no other file, nor is a host.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 8 };

static FILE *of_tower(const char *name)
{
	char path[4096];
	const char *dir = getenv("TOWER");

	if (dir == NULL)
		return NULL;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return fopen(path, "re");
}

static enum nss_status user(const char *name, uid_t uid, struct passwd *to, char *buf, size_t size, int *err)
{
	struct passwd *found = NULL;
	FILE *f = of_tower("passwd");

	while (f != NULL && (*err = fgetpwent_r(f, to, buf, size, &found)) == 0)
		if (name != NULL ? strcmp(found->pw_name, name) == 0 : found->pw_uid == uid)
			break;
	if (f != NULL)
		fclose(f);
	if (*err == ERANGE)
		return NSS_STATUS_TRYAGAIN;
	return f != NULL && *err == 0 ? NSS_STATUS_SUCCESS : NSS_STATUS_NOTFOUND;
}

enum nss_status _nss_tower_getpwnam_r(const char *name, struct passwd *to, char *buf, size_t size, int *err)
{
	return user(name, 0, to, buf, size, err);
}

enum nss_status _nss_tower_getpwuid_r(uid_t uid, struct passwd *to, char *buf, size_t size, int *err)
{
	return user(NULL, uid, to, buf, size, err);
}

/* What a hostent points to. */
struct room {
	char canonical[256];
	unsigned char addrs[MOST][sizeof(struct in6_addr)];
	char *list[MOST + 1];
	char *aliases[1];
};

/* named tells whether a line of hosts(5), of which the address has been taken, has the name. */
static int named(char *rest, const char *name, char *canonical, size_t size)
{
	int found = 0, first = 1;
	char *at = NULL;

	for (char *word = strtok_r(rest, " \t\n", &at); word != NULL; word = strtok_r(NULL, " \t\n", &at), first = 0) {
		if (first)
			snprintf(canonical, size, "%s", word);
		found = found || strcasecmp(word, name) == 0;
	}
	return found;
}

enum nss_status _nss_tower_gethostbyname3_r(const char *name, int af, struct hostent *to, char *buf, size_t size,
	int *err, int *herr, int32_t *ttl, char **canon)
{
	char line[1024], canonical[256];
	struct room *r = (void *)(((unsigned long)buf + 15) & ~15UL);
	int count = 0;
	FILE *f;

	if (size < sizeof(*r) + 16) {
		*err = ERANGE;
		*herr = NETDB_INTERNAL;
		return NSS_STATUS_TRYAGAIN;
	}
	memset(r, 0, sizeof(*r));
	if ((f = of_tower("hosts")) != NULL) {
		while (count < MOST && fgets(line, sizeof(line), f) != NULL) {
			char *rest = line + strcspn(line, " \t\n");
			if (*rest != '\0')
				*rest++ = '\0';
			if (!named(rest, name, canonical, sizeof(canonical)) || inet_pton(af, line, r->addrs[count]) != 1)
				continue;
			if (count == 0)
				strcpy(r->canonical, canonical);
			r->list[count] = (char *)r->addrs[count];
			count++;
		}
		fclose(f);
	}
	if (count == 0) {
		*err = ENOENT;
		*herr = HOST_NOT_FOUND;
		return NSS_STATUS_NOTFOUND;
	}
	to->h_name = r->canonical;
	if (canon != NULL)
		*canon = r->canonical;
	to->h_aliases = r->aliases;
	to->h_addrtype = af;
	to->h_length = af == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
	to->h_addr_list = r->list;
	return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_tower_gethostbyname2_r(const char *name, int af, struct hostent *to, char *buf, size_t size, int *err, int *herr)
{
	return _nss_tower_gethostbyname3_r(name, af, to, buf, size, err, herr, NULL, NULL);
}

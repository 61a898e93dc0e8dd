/*
 * A FIDO token made of software, for ssh-keygen, ssh-agent and ssh-sk-helper:
 * the provider interface of OpenSSH's sk-api.h, version API. The handle of a
 * key is the key itself. It signs for applications whose name ends in "pin"
 * only with the PIN 1234, and for those that end in "gone" never.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

enum { ECDSA = 0, ED25519 = 1 };
enum { GENERAL = -1, UNSUPPORTED = -2, PIN_REQUIRED = -3, DEVICE_NOT_FOUND = -4 };

struct sk_option;

struct enrolled {
	uint8_t flags;
	uint8_t *public;
	size_t public_len;
	uint8_t *handle;
	size_t handle_len;
	uint8_t *signature;
	size_t signature_len;
	uint8_t *certificate;
	size_t certificate_len;
	uint8_t *authdata;
	size_t authdata_len;
};

struct signature {
	uint8_t flags;
	uint32_t counter;
	uint8_t *r;
	size_t r_len;
	uint8_t *s;
	size_t s_len;
};

uint32_t sk_api_version(void) { return API; }

static int ends(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n >= m && strcmp(text + n - m, end) == 0;
}

int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len,
    const char *application, uint8_t flags, const char *pin,
    struct sk_option **options, struct enrolled **out)
{
	EVP_PKEY *key = alg == ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_EC_gen("P-256");
	struct enrolled *e = calloc(1, sizeof(*e));
	if (key == NULL || e == NULL)
		return GENERAL;
	e->flags = flags;
	if (alg == ED25519) {
		e->public_len = 32;
		e->public = malloc(e->public_len);
		EVP_PKEY_get_raw_public_key(key, e->public, &e->public_len);
	} else {
		e->public_len = EVP_PKEY_get1_encoded_public_key(key, &e->public);
	}
	e->handle_len = i2d_PrivateKey(key, &e->handle);
	e->signature = calloc(1, 1);
	EVP_PKEY_free(key);
	*out = e;
	return 0;
}

/* number gives the bytes of a number to the caller. */
static void number(const BIGNUM *n, uint8_t **bytes, size_t *len)
{
	*len = BN_num_bytes(n);
	*bytes = malloc(*len);
	BN_bn2bin(n, *bytes);
}

int sk_sign(uint32_t alg, const uint8_t *data, size_t data_len,
    const char *application, const uint8_t *handle, size_t handle_len,
    uint8_t flags, const char *pin, struct sk_option **options,
    struct signature **out)
{
	if (ends(application, "gone"))
		return DEVICE_NOT_FOUND;
	if (ends(application, "pin") && (pin == NULL || strcmp(pin, "1234") != 0))
		return PIN_REQUIRED;

	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &handle, handle_len);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct signature *s = calloc(1, sizeof(*s));
	/* What is signed: [PROTOCOL.u2f], "SSH U2F signatures". */
	uint8_t text[32 + 1 + 4 + 32], sig[256];
	size_t len = sizeof(sig);
	s->flags = flags;
	s->counter = 7;
	SHA256((const uint8_t *)application, strlen(application), text);
	text[32] = flags;
	memcpy(text + 33, "\0\0\0\7", 4);
	SHA256(data, data_len, text + 37);
	if (key == NULL ||
	    EVP_DigestSignInit(ctx, NULL, alg == ED25519 ? NULL : EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(ctx, sig, &len, text, sizeof(text)) != 1)
		return GENERAL;
	if (alg == ED25519) {
		s->r_len = len;
		s->r = malloc(len);
		memcpy(s->r, sig, len);
	} else {
		const uint8_t *p = sig;
		ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &p, len);
		number(ECDSA_SIG_get0_r(parts), &s->r, &s->r_len);
		number(ECDSA_SIG_get0_s(parts), &s->s, &s->s_len);
		ECDSA_SIG_free(parts);
	}
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	*out = s;
	return 0;
}

int sk_load_resident_keys(const char *pin, struct sk_option **options, void ***keys, size_t *n)
{
	return UNSUPPORTED;
}

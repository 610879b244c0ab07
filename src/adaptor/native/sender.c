// send(bytes, sockets, count, results): the same bytes to many sockets, in one call from JavaScript. Nothing waits: what a
// socket does not take at once is left to the caller.
// limitUnsent(socket, bytes): from then on a socket takes no more once the system holds that much that it has not sent.
//
// An addon for Node-API, which is the same for all versions of Node, so nothing but a C compiler is needed to make it: the
// dozen declarations below are all that it uses (https://nodejs.org/api/n-api.html).
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);
enum { NAPI_OK = 0, UINT8_ARRAY = 1, INT32_ARRAY = 5, NODE_API_VERSION = 8, ARGUMENTS = 4 };

extern int napi_get_cb_info(napi_env, napi_callback_info, size_t *, napi_value *, napi_value *, void **);
extern int napi_get_typedarray_info(napi_env, napi_value, int *, size_t *, void **, napi_value *, size_t *);
extern int napi_get_value_int32(napi_env, napi_value, int32_t *);
extern int napi_get_value_uint32(napi_env, napi_value, uint32_t *);
extern int napi_create_int32(napi_env, int32_t, napi_value *);
extern int napi_create_uint32(napi_env, uint32_t, napi_value *);
extern int napi_create_function(napi_env, const char *, size_t, napi_callback, void *, napi_value *);
extern int napi_set_named_property(napi_env, napi_value, const char *, napi_value);
extern int napi_throw_type_error(napi_env, const char *, const char *);

static bool array_of(napi_env env, napi_value value, int wanted, void **data, size_t *length) {
  int type;
  return napi_get_typedarray_info(env, value, &type, length, data, NULL, NULL) == NAPI_OK && type == wanted;
}

/** Into `results`: how many bytes each socket took, or minus its errno. Returns how many did not take all. */
static napi_value send_to_all(napi_env env, napi_callback_info info) {
  size_t given = ARGUMENTS;
  napi_value argument[ARGUMENTS];
  void *bytes, *data, *more;
  size_t length, sockets, places;
  uint32_t count;
  if (napi_get_cb_info(env, info, &given, argument, NULL, NULL) != NAPI_OK || given < ARGUMENTS ||
      !array_of(env, argument[0], UINT8_ARRAY, &bytes, &length) ||
      !array_of(env, argument[1], INT32_ARRAY, &data, &sockets) ||
      napi_get_value_uint32(env, argument[2], &count) != NAPI_OK ||
      !array_of(env, argument[3], INT32_ARRAY, &more, &places) || count > sockets || count > places ||
      length > INT32_MAX) {
    napi_throw_type_error(env, NULL, "send takes a Uint8Array, an Int32Array, a count and an Int32Array");
    return NULL;
  }
  const int32_t *socket = data;
  int32_t *result = more;
  uint32_t unsent = 0;
  for (uint32_t i = 0; i < count; i++) {
    ssize_t sent;
    do sent = send(socket[i], bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    result[i] = sent < 0 ? -errno : (int32_t)sent;
    if (result[i] != (int32_t)length) unsent++;
  }
  napi_value answer;
  return napi_create_uint32(env, unsent, &answer) == NAPI_OK ? answer : NULL;
}

/** Returns 0 or the errno. What is under way to the peer does not count, so no connection is slower for it. */
static napi_value limit_unsent(napi_env env, napi_callback_info info) {
  size_t given = 2;
  napi_value argument[2];
  int32_t socket;
  uint32_t bytes;
  if (napi_get_cb_info(env, info, &given, argument, NULL, NULL) != NAPI_OK || given < 2 ||
      napi_get_value_int32(env, argument[0], &socket) != NAPI_OK ||
      napi_get_value_uint32(env, argument[1], &bytes) != NAPI_OK) {
    napi_throw_type_error(env, NULL, "limitUnsent takes a descriptor and a number of bytes");
    return NULL;
  }
  int error = setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes) == 0 ? 0 : errno;
  napi_value answer;
  return napi_create_int32(env, error, &answer) == NAPI_OK ? answer : NULL;
}

static void export(napi_env env, napi_value exports, const char *name, napi_callback callback) {
  napi_value function;
  if (napi_create_function(env, name, strlen(name), callback, NULL, &function) == NAPI_OK) {
    napi_set_named_property(env, exports, name, function);
  }
}

int32_t node_api_module_get_api_version_v1(void) { return NODE_API_VERSION; }

napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  export(env, exports, "send", send_to_all);
  export(env, exports, "limitUnsent", limit_unsent);
  return exports;
}

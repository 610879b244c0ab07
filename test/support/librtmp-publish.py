# Publishes an FLV file with librtmp itself, which rtmpdump only plays with: librtmp-publish.py "rtmp://… option=value…" FILE
import ctypes
import socket
import sys

lib = ctypes.CDLL("librtmp.so.1")
lib.RTMP_Alloc.restype = ctypes.c_void_p
for name in ("RTMP_Init", "RTMP_EnableWrite"):
    getattr(lib, name).argtypes = [ctypes.c_void_p]
    getattr(lib, name).restype = None
lib.RTMP_SetupURL.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
lib.RTMP_Socket.argtypes = [ctypes.c_void_p]
lib.RTMP_Connect.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
lib.RTMP_ConnectStream.argtypes = [ctypes.c_void_p, ctypes.c_int]
lib.RTMP_Write.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]

# Debug: as Debian builds it (with Nettle), librtmp reads what it has encoded in base64 beyond its end. What its own debug
# messages leave on the stack happens to end it.
lib.RTMP_LogSetLevel(4)
session = lib.RTMP_Alloc()
lib.RTMP_Init(session)
url = ctypes.create_string_buffer(sys.argv[1].encode())  # cut to pieces, which have to stay
if not lib.RTMP_SetupURL(session, url):
    sys.exit("the URL is not understood")
lib.RTMP_EnableWrite(session)
if not lib.RTMP_Connect(session, None) or not lib.RTMP_ConnectStream(session, 0):
    sys.exit("not connected")
with open(sys.argv[2], "rb") as file:
    flv = file.read()
at = 13
while at + 11 < len(flv):
    size = 11 + int.from_bytes(flv[at + 1 : at + 4], "big") + 4
    if lib.RTMP_Write(session, flv[at : at + size], size) <= 0:
        sys.exit("not written")
    at += size
# librtmp reads nothing while it publishes, and a socket that is closed with something unread takes what is on its way along
connection = socket.socket(fileno=lib.RTMP_Socket(session))
connection.shutdown(socket.SHUT_WR)
while connection.recv(65536):
    pass

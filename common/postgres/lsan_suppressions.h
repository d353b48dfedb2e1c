// For LeakSanitizer builds: libpqxx 6.4.5 loses the PGresult, about 2 KB, of the call in which a connection breaks,
// because make_result asks for the client's encoding, which throws then, before anybody owns the result.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TW_WITH_LEAK_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define TW_WITH_LEAK_SANITIZER 1
#endif

#if defined(TW_WITH_LEAK_SANITIZER)
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libpqxx\n"; }
#endif

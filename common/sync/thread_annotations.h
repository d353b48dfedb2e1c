// Clang's thread-safety attributes under short names; nothing under other compilers.
#pragma once

#if defined(__clang__)
#define TW_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define TW_THREAD_ATTRIBUTE(x)
#endif

#define TW_CAPABILITY(x) TW_THREAD_ATTRIBUTE(capability(x))
#define TW_SCOPED_CAPABILITY TW_THREAD_ATTRIBUTE(scoped_lockable)
#define TW_GUARDED_BY(x) TW_THREAD_ATTRIBUTE(guarded_by(x))
#define TW_PT_GUARDED_BY(x) TW_THREAD_ATTRIBUTE(pt_guarded_by(x))
#define TW_REQUIRES(...) TW_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define TW_ACQUIRE(...) TW_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define TW_RELEASE(...) TW_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define TW_TRY_ACQUIRE(...) TW_THREAD_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define TW_EXCLUDES(...) TW_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define TW_RETURN_CAPABILITY(x) TW_THREAD_ATTRIBUTE(lock_returned(x))
#define TW_NO_THREAD_SAFETY_ANALYSIS TW_THREAD_ATTRIBUTE(no_thread_safety_analysis)

/* What SQLite's unix layer names and WASI does not have: there is one process and no owner of files. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
static inline int fchown(int file, unsigned owner, unsigned group) { return (void)file, (void)owner, (void)group, 0; }
static inline int fchmod(int file, mode_t mode) { return (void)file, (void)mode, 0; }
static inline int chmod(const char *path, mode_t mode) { return (void)path, (void)mode, 0; }
static inline unsigned geteuid(void) { return 0; }
static inline mode_t umask(mode_t mode) { return mode; }
#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#define F_GETLK 5
#define F_SETLK 6

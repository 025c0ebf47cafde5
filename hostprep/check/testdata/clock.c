// Ten minutes ahead: what programs get that load this library, which needs no C library itself.
struct timespec {
	long seconds, nanoseconds;
};

int clock_gettime(int clock, struct timespec *time)
{
	enum { number = 228, realtime = 0 };
	long status;
	__asm__ volatile("syscall" : "=a"(status) : "a"(number), "D"(clock), "S"(time) : "rcx", "r11", "memory");
	if (status != 0)
		return -1;
	if (clock == realtime)
		time->seconds += 600;
	return 0;
}

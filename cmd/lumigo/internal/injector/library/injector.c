/*
 * lumigo_injector.so: preloaded into the processes of a container, it has Python interpreters trace themselves.
 *
 * The dynamic linker runs inject() in every process, before main. It puts DIR/python/sitecustomize first on
 * PYTHONPATH, DIR being where LD_PRELOAD says that this library is: DIR/injector/lumigo_injector.so. All else
 * about the process stays as it is; and so does this, if the path is there already, or does not fit.
 *
 * One file for every C library: it needs none, and calls no function of the one that the process has, nor of
 * the program, which may have a getenv and setenv of its own, as bash does. It only knows where all keep the
 * environment.
 */

extern char **environ __attribute__((weak));

enum {
	LONGEST = 16 * 1024, /* bytes of PYTHONPATH, at most */
	MOST = 8 * 1024      /* variables, at most, where there is no PYTHONPATH yet */
};

static const char self[] = "/injector/lumigo_injector.so";
static const char site[] = "/python/sitecustomize";
static const char name[] = "PYTHONPATH=";

static char entry[LONGEST];
static char *larger[MOST];

/* after returns what follows prefix in text, or 0 if text does not begin with it. */
static char *after(char *text, const char *prefix)
{
	while (*prefix)
		if (*text++ != *prefix++)
			return 0;
	return text;
}

/* append writes the text from begin to end, 0 for its end, to at, and returns what comes after it, or 0 if it does not fit. */
static char *append(char *at, const char *begin, const char *end)
{
	while (at && begin != end && *begin) {
		if (at == entry + LONGEST - 1)
			return 0;
		*at++ = *begin++;
	}
	return at;
}

__attribute__((constructor)) static void inject(void)
{
	char *preload = 0, *old = 0, *dir, *end, *value, *at;
	int count, slot = -1;

	if (!&environ || !environ)
		return;
	for (count = 0; environ[count]; count++) {
		if (!preload)
			preload = after(environ[count], "LD_PRELOAD=");
		if (!old && (old = after(environ[count], name)))
			slot = count;
	}
	if (!preload)
		return;

	/* The entries of LD_PRELOAD are separated by spaces or colons. */
	for (dir = end = preload; *end && !after(end, self); end++)
		if (*end == ' ' || *end == ':')
			dir = end + 1;
	if (!*end || *dir != '/')
		return;
	value = append(entry, name, 0);
	at = append(append(value, dir, end), site, 0);
	if (at && old && *old) {
		char *rest = after(old, value);
		if (rest && (*rest == 0 || *rest == ':'))
			return;
		at = append(append(at, ":", 0), old, 0);
	}
	if (!at)
		return;

	if (slot < 0) {
		if (count + 2 > MOST)
			return;
		for (slot = 0; slot < count; slot++)
			larger[slot] = environ[slot];
		environ = larger;
	}
	environ[slot] = entry;
}

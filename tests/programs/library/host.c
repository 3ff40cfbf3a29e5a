// Loads libraries of Go code when it is told to, by lines of its input: `load PATH`, `call N` (of all that are loaded).
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void) {
  int (*serve[8])(int);
  int loaded = 0, n;
  char line[4096], path[4096];
  printf("pid %d\n", getpid());
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    if (sscanf(line, "load %4095s", path) == 1 && loaded < 8) {
      void *library = dlopen(path, RTLD_NOW);
      if (!library) {
        printf("%s\n", dlerror());
        return 1;
      }
      serve[loaded++] = (int (*)(int))dlsym(library, "Serve");
      printf("loaded %s\n", path);
    } else if (sscanf(line, "call %d", &n) == 1) {
      for (int i = 0; i < loaded; i++)
        printf("called %d\n", serve[i](n));
    }
    fflush(stdout);
  }
  return 0;
}

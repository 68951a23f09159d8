package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Binaries is a PostgreSQL that was found.
type Binaries struct {
	Dir     string // holds initdb and postgres
	Version string // "18.4"
	Major   int    // 18
	Source  string // where it is from: "PATCHBAY_POSTGRES_BIN", "bundle" or "machine"
}

// oldestMajor is the oldest PostgreSQL that the host works with.
const oldestMajor = 14

// Where distributions put PostgreSQL outside the PATH; * is the version.
var distributionPlaces = []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"}

// Find answers the PostgreSQL to run: cfg.Bin if it is set and nothing else then, the bundle of this build, or the
// machine's own (PATH, then the distributions' places, newest first). When none is usable the error is ErrNoBinaries,
// says what was looked for, and how to get one. The bundle is unpacked under the data directory by the first call.
func Find(cfg Config) (Binaries, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return Binaries{}, fmt.Errorf("opening the data directory: %w", err)
	}
	who, err := findAccount(context.Background(), cfg.User)
	if err != nil {
		return Binaries{}, err
	}
	return newFinder(cfg, who).find(context.Background())
}

// finder looks for binaries that account can run.
type finder struct {
	cfg     Config
	account account
	bundle  func() (*bundle, error)
	places  []string
}

func newFinder(cfg Config, who account) *finder {
	return &finder{cfg: cfg, account: who, bundle: builtIn, places: distributionPlaces}
}

func (f *finder) find(ctx context.Context) (Binaries, error) {
	if f.cfg.Bin != "" {
		found, err := f.inspect(ctx, f.cfg.Bin, "PATCHBAY_POSTGRES_BIN")
		if err != nil {
			return found, fmt.Errorf("%w in PATCHBAY_POSTGRES_BIN=%s: %w; it must be a directory with initdb and postgres",
				ErrNoBinaries, f.cfg.Bin, err)
		}
		return found, nil
	}
	b, noBundle := f.bundle()
	if noBundle == nil {
		return f.bundled(ctx, b)
	}
	var tried []string
	for _, dir := range f.machine() {
		found, err := f.inspect(ctx, dir, "machine")
		if err == nil {
			return found, nil
		}
		tried = append(tried, fmt.Sprintf("%s (%v)", dir, err))
	}
	if tried == nil {
		tried = []string{"nothing on the PATH nor in " + strings.Join(f.places, ", ")}
	}
	return Binaries{}, fmt.Errorf("%w: PATCHBAY_POSTGRES_BIN is not set; bundle: %w; the machine's own: %s. "+
		"Install PostgreSQL %d or newer, set PATCHBAY_POSTGRES_BIN to the directory of its binaries, "+
		"or set PATCHBAY_DATABASE_URL to a server of your own",
		ErrNoBinaries, noBundle, strings.Join(tried, "; "), oldestMajor)
}

// bundled unpacks the bundle if it is not there yet. A bundle that fails is not passed over: the machine's own may be
// of another major version, and that error would hide this one.
func (f *finder) bundled(ctx context.Context, b *bundle) (Binaries, error) {
	dir, err := b.unpackedUnder(layout{f.cfg.DataDir}.binaries())
	if err != nil {
		return Binaries{}, fmt.Errorf("%w: bundle: %w", ErrNoBinaries, err)
	}
	found, err := f.inspect(ctx, dir, "bundle")
	if err != nil {
		return found, fmt.Errorf("%w: bundle in %s: %w; PATCHBAY_POSTGRES_BIN names another", ErrNoBinaries, dir, err)
	}
	return found, nil
}

// machine lists the directories of the machine that hold PostgreSQL, best first.
func (f *finder) machine() []string {
	var dirs []string
	for _, dir := range filepath.SplitList(f.cfg.Path) {
		if filepath.IsAbs(dir) && hasBinaries(dir) == nil {
			dirs = append(dirs, dir)
		}
	}
	for _, pattern := range f.places {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			continue // a pattern of ours, tested
		}
		version, _, _ := strings.Cut(pattern, "*")
		slices.SortFunc(matches, func(a, b string) int { return leadingNumber(b[len(version):]) - leadingNumber(a[len(version):]) })
		for _, dir := range matches {
			if hasBinaries(dir) == nil {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs
}

var digits = regexp.MustCompile(`^\d{1,4}`)

// leadingNumber reads the major version at the start of text such as "15/bin"; 0 if there is none.
func leadingNumber(text string) int {
	number, err := strconv.Atoi(digits.FindString(text))
	if err != nil {
		return 0
	}
	return number
}

// hasBinaries checks that dir holds the two programs.
func hasBinaries(dir string) error {
	for _, program := range []string{"initdb", "postgres"} {
		info, err := os.Stat(filepath.Join(dir, program))
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			return fmt.Errorf("%s is not a program", filepath.Join(dir, program))
		}
	}
	return nil
}

// inspect checks that the account can run what is in dir, and asks its version.
func (f *finder) inspect(ctx context.Context, dir, source string) (Binaries, error) {
	found := Binaries{Dir: dir, Source: source}
	if !filepath.IsAbs(dir) {
		return found, errors.New("the path is not absolute")
	}
	if err := hasBinaries(dir); err != nil {
		return found, err
	}
	if err := f.account.reach(dir); err != nil {
		return found, err
	}
	said, err := f.account.output(ctx, "", dir, "postgres", "--version")
	if err != nil {
		return found, fmt.Errorf("%w (is the file system mounted noexec, or the program for another machine?)", err)
	}
	if found.Version, found.Major, err = parseVersion(said); err != nil {
		return found, err
	}
	if found.Major < oldestMajor {
		return found, fmt.Errorf("PostgreSQL %s is too old, at least %d is needed", found.Version, oldestMajor)
	}
	return found, nil
}

var versionLine = regexp.MustCompile(`^postgres \(PostgreSQL\) ((\d{1,4})[^\s]*)`)

// parseVersion reads the answer of postgres --version: "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".
func parseVersion(said string) (version string, major int, err error) {
	match := versionLine.FindStringSubmatch(said)
	if match == nil {
		return "", 0, fmt.Errorf("postgres --version answers %.100q", said)
	}
	major, err = strconv.Atoi(match[2])
	return match[1], major, err
}

//go:build unix

package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lock takes a lock file of the data directory, alone or with others, without waiting. It ends with the process,
// however that ends: what is left of the file says nothing. ErrRunning: somebody has it.
func lock(path string, alone bool) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	adopt(path)
	if err := relock(f, alone); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// relock changes a lock that is held.
func relock(f *os.File, alone bool) error {
	how := syscall.LOCK_SH
	if alone {
		how = syscall.LOCK_EX
	}
	err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrRunning
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return nil
}

// adopt gives a file that root made to the owner of its directory: a command that the owner of the machine runs must
// not leave files that the forum's own user cannot open. It does what it can.
func adopt(path string) {
	if os.Geteuid() != 0 {
		return
	}
	info, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 {
		_ = os.Lchown(path, int(owner.Uid), int(owner.Gid))
	}
}

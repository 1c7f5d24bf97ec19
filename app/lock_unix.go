//go:build unix

package app

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock takes the lock of the data directory. It ends with the process, however that ends: what is left of the file
// says nothing.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		err = errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errors.Join(ErrRunning, err)
		}
		return nil, err
	}
	return f, nil
}

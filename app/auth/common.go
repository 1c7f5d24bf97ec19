package auth

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed" // the list of common passwords
	"errors"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// common holds 15,644 passwords of MinPassword bytes or more that many people chose, in lower case and sorted, a line
// each: those of Django's list (BSD-3-Clause, Django Software Foundation) and the first 30,000 of zxcvbn-ts (MIT, MrWook
// and the authors of zxcvbn). Shorter ones are refused anyhow.
//
//go:embed common.txt.gz
var common []byte

var (
	// ErrCommonPassword says that a password is among those that are tried first.
	ErrCommonPassword = errors.New("the password is one that many people use")
	// ErrOwnPassword says that a password is what everybody knows about the member.
	ErrOwnPassword = errors.New("the password is the member's own handle or address")
)

// NewPassword is CheckPassword for a password that is being chosen: it also refuses the common ones, in any case, and
// those that are nothing but one of own, which are the member's handle and address. It asks no other server. It reads
// through 55 KB of compressed text, at most a few milliseconds, and keeps nothing in memory.
func NewPassword(password string, own ...string) error {
	if err := CheckPassword(password); err != nil {
		return err
	}
	typed := folded(password)
	for _, o := range own {
		mailbox, _, _ := strings.Cut(o, "@")
		if o != "" && (typed == folded(o) || typed == folded(mailbox)) {
			return ErrOwnPassword
		}
	}
	list, err := gzip.NewReader(bytes.NewReader(common))
	if err != nil {
		return fmt.Errorf("read the common passwords: %w", err)
	}
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		switch bytes.Compare(lines.Bytes(), []byte(typed)) {
		case 0:
			return ErrCommonPassword
		case 1:
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the common passwords: %w", err)
	}
	return nil
}

// folded is a text as passwords are compared with lists: attackers try the same cases and widths of letters.
func folded(text string) string { return strings.ToLower(norm.NFKC.String(strings.TrimSpace(text))) }

// Package auth knows who somebody is and what they may do: passwords and
// tokens (password.go), sessions, and the permissions of everything that writes.
//
// Passwords are hashed with argon2id, which is slow and takes 19 MiB on
// purpose. A Hasher bounds how much of that runs at a time; when its queue is
// full it answers Busy (503) at once rather than letting sign-ins pile up. Its
// methods may be called from any number of goroutines; it owns none itself and
// needs no closing.
package auth

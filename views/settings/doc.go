// Package settings shows what a member can change about themselves: their page, their password, their sessions.
package settings

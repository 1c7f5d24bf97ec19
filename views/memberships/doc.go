// Package memberships shows who is in a channel, who waits at its door, and who may read and write in it.
package memberships

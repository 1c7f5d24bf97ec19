// Package blocks shows whom a member has muted or blocked.
package blocks

// Package invites shows a member the links with which they ask others in.
package invites

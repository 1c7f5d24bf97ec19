// Package trust shows a member which trust level they have, what it lets them do, and what the next one asks.
package trust

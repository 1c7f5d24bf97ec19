// Package members shows a member's page: who they are and what they wrote.
package members

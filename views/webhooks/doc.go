// Package webhooks shows admins the programs elsewhere that are told what happens, and what became of each delivery.
package webhooks

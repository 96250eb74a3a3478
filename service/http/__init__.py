"""What every route shares: what surrounds a request, its errors, its JSON, and the fast path of a resend."""

package report

import "testing"

// What logs in is taken out of a diff, wherever somebody wrote it, and nothing
// else is.
func TestWhatLogsInIsHidden(t *testing.T) {
	for was, want := range map[string]string{
		"-Environment=DB_PASSWORD=hunter2 MODE=prod":              "-Environment=DB_PASSWORD=(sensitive) MODE=prod",
		"+Environment=\"API_TOKEN=hunter2\" 'pin=1'":              "+Environment=\"API_TOKEN=(sensitive)\" 'pin=1'",
		"-Environment='AWS_SECRET_ACCESS_KEY=hun/ter+2=='":        "-Environment='AWS_SECRET_ACCESS_KEY=(sensitive)'",
		" DATABASE_URL=postgres://shop:hunter2@db.internal/shop":  " DATABASE_URL=postgres://shop:(sensitive)@db.internal/shop",
		"-REDIS=redis://:hunter2@127.0.0.1:6379":                  "-REDIS=redis://:(sensitive)@127.0.0.1:6379",
		"-ExecStart=/usr/bin/app --password=hunter2 --port 80":    "-ExecStart=/usr/bin/app --password=(sensitive) --port 80",
		"-ExecStart=/usr/bin/app --auth-token hunter2 --port 80":  "-ExecStart=/usr/bin/app --auth-token (sensitive) --port 80",
		"-SetCredential=db:hunter2 and more":                      "-SetCredential=db:(sensitive)",
		"-  \"apiKey\": \"hunter2\",":                             "-  \"apiKey\": \"(sensitive)\",",
		"-secret_key_base: hunter2":                               "-secret_key_base: (sensitive)",
		"-Passphrase = hunter2":                                   "-Passphrase = (sensitive)",
		"+ExecStart=/usr/bin/app --password-file /etc/app/pw":     "+ExecStart=/usr/bin/app --password-file /etc/app/pw",
		"+LoadCredential=db:/etc/evenkeel/credentials/db":         "+LoadCredential=db:/etc/evenkeel/credentials/db",
		"+ExecStart=/usr/bin/app --url http://127.0.0.1:8080/x@y": "+ExecStart=/usr/bin/app --url http://127.0.0.1:8080/x@y",
		"+Description=the token service":                          "+Description=the token service",
		"@@ -1,3 +1,3 @@\n Nice=5":                                "@@ -1,3 +1,3 @@\n Nice=5",
	} {
		if got := hide(was); got != want {
			t.Errorf("%s\n got %s\nwant %s", was, got, want)
		}
	}
}

# Gives a command its secrets: reads NAME=VALUE pairs, NUL after each, from FILE, removes FILE, and becomes the command.
#
#     env PERL_BADLANG= perl -tX -C0 env.pl FILE COMMAND [ARGUMENT ...]
#
# tmux writes every command it runs, with its arguments, into a log that `show-messages` prints; so no secret may be in one.
# docs/decisions/0006-secrets.md; env.py is the same thing for where there is no perl.

my ($file, @command) = @ARGV;
delete $ENV{PERL_BADLANG} if exists $ENV{PERL_BADLANG} && $ENV{PERL_BADLANG} eq '';
open my $in, '<', $file or fail("its secrets cannot be read: $!", 126);
my $text = do { local $/; <$in> };
close $in;
unlink $file;
for (split /\0/, $text) {
    my ($name, $value) = split /=/, $_, 2;
    $ENV{$name} = $value;
}
exec { $command[0] } @command;
fail("cannot run $command[0]: $!", $! == 2 ? 127 : 126);

sub fail {
    my ($reason, $code) = @_;
    syswrite STDERR, "orchestra: $reason\n";
    exit $code;
}

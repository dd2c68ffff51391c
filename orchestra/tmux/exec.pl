# Runs a pane's command and ends as the command ended, with nothing of its output lost.
#
#     env PERL_BADLANG= perl -tX -C0 exec.pl COMMAND [ARGUMENT ...]
#
# When a pane's first process exits, the kernel throws away what tmux has not read yet. So this is the first process:
# it waits for the command, asks the terminal a question, and exits when the answer is here. tmux answers in order,
# hence has read everything before. docs/decisions/0003-wrapper.md has the measurements; exec.py is the same thing for
# where there is no perl, and tests/tmux/test_exec_wrapper.py holds the two together.
#
# No modules and few regular expressions, for the sake of start time and memory. Of the switches, -t makes perl ignore
# PERL5OPT, PERL5LIB and PERLIO, -X keeps it from warning, and -C0 keeps arguments bytes whatever PERL_UNICODE says.
# PERL_BADLANG, empty, keeps it from complaining of a locale that is not installed.

our ($child, $status, $late, %seen);

delete $ENV{PERL_BADLANG} if exists $ENV{PERL_BADLANG} && $ENV{PERL_BADLANG} eq '';
push @ARGV, '' unless @ARGV;
my $terminal = -t STDIN && -t STDOUT;

# A signal to the whole process group is the command's to answer: live on. By handlers, because the command would
# inherit an IGNORE; what was ignored before stays so.
my @stops  = qw(HUP INT QUIT TERM);
my @others = qw(ABRT ALRM IO PIPE PROF PWR STKFLT USR1 USR2 VTALRM XCPU XFSZ);
$SIG{$_} ne 'IGNORE' and $SIG{$_} = \&live_on for @stops, @others;

$child = fork;
if (!defined $child) {
    $status = complain($!) << 8;
}
elsif (!$child) {
    $SIG{$_} ne 'IGNORE' and $SIG{$_} = 'DEFAULT' for @stops, keys %seen;
    kill $_, $$ for keys %seen;    # came before there was a command to take it
    exec { $ARGV[0] } @ARGV;
    exit complain($!);
}
else {
    live_on('HUP') if $seen{HUP};    # came before we knew whom to tell
    my $name = $ARGV[0];
    chop $name while substr($name, -1) eq '/';
    $0 = substr $name, 1 + rindex $name, '/';    # tmux shows this as pane_current_command
    alarm 1;                                     # see live_on
    waitpid $child, 0;
    $status = $?;
    $child  = 0;
    alarm 0;
}

await_terminal() if $terminal && -t STDIN;
end_by($status & 127) if $status & 127;
exit $status >> 8;

# When its terminal closes, the kernel tells only the session's leader, which is us: hand that on.
# perl runs handlers between its own steps. One that comes just before waitpid falls asleep waits for the next signal,
# so after each there is an alarm.
sub live_on {
    my ($signal) = @_;
    $seen{$signal} = 1;
    kill HUP => $child if $signal eq 'HUP' && $child && $terminal && !-t STDIN;
    alarm 1 if $child && $signal ne 'ALRM';
}

sub complain {
    my $reason = shift;
    my $code   = $reason == 2 ? 127 : 126;    # ENOENT
    my $name   = $ARGV[0];
    $name =~ s/\xc2[\x80-\x9f]|[\x00-\x1f\x7f]/?/g;
    syswrite STDERR, "orchestra: cannot run $name: $reason\n";
    return $code;
}

sub await_terminal {
    my $linux = $^O eq 'linux';

    # A shell that was killed leaves its last job in the foreground, and a background process must not touch modes.
    $SIG{TTOU} = 'IGNORE';
    my ($get_group, $set_group) = $linux ? (0x540f, 0x5410) : (0x40047477, 0x80047476);    # TIOCGPGRP, TIOCSPGRP
    my ($own, $theirs) = (pack('i', getpgrp), pack 'i', 0);
    ioctl STDIN, $get_group, $theirs;
    ioctl STDIN, $set_group, $own;

    # Raw: the answer has no newline and must not be echoed. By ioctl where its numbers are known, else by stty.
    my ($modes, $saved) = '';
    if ($linux && ioctl STDIN, 0x5401, $modes) {    # TCGETS
        my (undef, $output, $control) = unpack 'L3', $modes;
        my $raw = pack 'L4 a*', 0, $output, $control, 0, substr $modes, 16;
        substr($raw, 22, 2) = "\0\1";               # VTIME, VMIN
        ask() if ioctl STDIN, 0x5402, $raw;         # TCSETS
        ioctl STDIN, 0x5402, $modes;
    }
    elsif ($saved = `stty -g 2>/dev/null`) {
        chomp $saved;
        ask() if !system 'stty raw -echo 2>/dev/null';
        system "stty $saved 2>/dev/null";
    }
    ioctl STDIN, $set_group, $theirs;
}

# tmux answers within a millisecond, or when it has done what else it was told: a list of 200 new windows takes it
# seconds on a busy machine. The alarm ends a write to a terminal that is stuck; select's own limit covers an alarm that
# came a moment too early. Before the question, an end for a control string that the command left open.
sub ask {
    my ($limit, $seen) = (25, '');
    $SIG{ALRM} = sub { $late = 1 };
    alarm $limit;
    my $asked = syswrite STDOUT, "\e\\\e[5n";
    while ($asked && !$late) {
        vec(my $ready = '', 0, 1) = 1;
        my $count = select $ready, undef, undef, $limit;
        next if $count < 0;
        last if !$count;
        my $read = sysread STDIN, $seen, 4096, length $seen;
        last if index($seen, "\e[0n") >= 0 || (defined $read ? !$read : $! == 5);    # EIO: hung up
        $seen = substr $seen, -3 if length $seen > 3;
    }
    alarm 0;
}

sub end_by {
    my $signal = shift;
    $SIG{$_} = 'DEFAULT' for keys %SIG;
    if (index(' 1 2 9 13 14 15 ', " $signal ") < 0) {    # its core is the command's; ours would say nothing
        require Config;
        my ($machine) = split /-/, $Config::Config{archname};
        my $prctl = $^O eq 'linux' && { x86_64 => 157, aarch64 => 167, riscv64 => 167 }->{$machine};
        exec 'sh', '-c', 'ulimit -c 0; kill -$1 $$', 'sh', $signal if !$prctl;
        syscall $prctl, 4, 0, 0, 0, 0;                   # PR_SET_DUMPABLE
    }
    kill $signal, $$;
    exit 128 + $signal;
}

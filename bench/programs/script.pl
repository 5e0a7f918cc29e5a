# Hashes, lists, strings and regular expressions: what programs in Perl are made of.
use strict;
use warnings;

my $seed = 12345;
sub random { my ($limit) = @_; $seed = ($seed * 1103515245 + 12345) & 0x7fffffff; return ($seed >> 8) % $limit; }

my $total = 0;
for my $turn (1 .. 5) {
  my (%counts, %lists, @records);
  for my $n (0 .. 7999) {
    my $word = "word " . random(900) . " of $turn";
    $counts{$word}++;
    push @{ $lists{ random(1500) } }, $word x (1 + $n % 4);
    push @records, { name => $word, key => $n, tags => [ map { "tag$_" } 0 .. random(5) ] };
  }
  my $text = join "\n", map { join "-", map { scalar reverse uc } @{ $lists{$_} } } sort { $a <=> $b } keys %lists;
  my @numbers = $text =~ /(\d+)/g;
  $text =~ s/(\w+) FO (\d+)/$2:$1/g;
  my @best = (sort { $counts{$b} <=> $counts{$a} || $a cmp $b } keys %counts)[ 0 .. 4 ];
  my $tags = 0;
  $tags += @{ $_->{tags} } for grep { $_->{name} =~ /1/ } @records;
  $total = ($total + length($text) + @numbers + length("@best") + $tags) % 1000003;
}
print "$total\n";

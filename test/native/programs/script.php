<?php
// Many small things that PHP keeps in memory, and what its extensions do with them.
$x = 12345;
$rows = [];
for ($i = 0; $i < 20000; $i++) {
    $x = ($x * 1103515245 + 12345) % 2147483648;
    $rows["key" . $x % 5000][] = str_repeat(chr(97 + $x % 26), $x % 40);
}
ksort($rows);
uasort($rows, fn($a, $b) => [count($b), $a] <=> [count($a), $b]);
$json = json_encode($rows);
preg_match_all('/"([a-m]{3,})(?=",)/', $json, $found);
function words(array $all) { foreach ($all as $one) if (is_array($one)) yield from words($one); else yield $one; }
$sum = 0;
foreach (words(json_decode($json, true)) as $word) $sum = ($sum * 31 + crc32($word)) % 1000000007;
$list = null;
for ($i = 0; $i < 1000; $i++) $list = (object) ['next' => $list, 'text' => strrev((string) $i)];
for ($length = 0; $list; $list = $list->next) $length += strlen($list->text);
echo strlen($json), " ", count($found[1]), " $sum $length ", md5(serialize($rows)), "\n";
echo implode(",", get_loaded_extensions()), "\n";
echo mb_strtoupper("grüße, мир"), " ", bin2hex(iconv("UTF-8", "ISO-8859-1", "grüße")), " ", strlen(gzcompress($json)), "\n";

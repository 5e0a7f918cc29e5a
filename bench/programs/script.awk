# Words of a text, twice: how often each comes, what follows it, and the longest lines.
{
  lines[NR] = $0
  for (n = 1; n <= NF; n++) {
    word = tolower($n)
    gsub(/[^a-z0-9]/, "", word)
    if (word == "") continue
    count[word]++
    after[last] = substr(after[last] " " word, 1, 400)
    last = word
  }
}
END {
  for (word in count) { total += count[word]; key = sprintf("%08d %s", count[word], word); sorted[++words] = key }
  asort(sorted)
  for (n = words; n > words - 20; n--) print sorted[n], after[substr(sorted[n], 10)]
  for (n = 1; n <= NR; n++) { text = lines[n]; split(text, parts, /[ ,.;]+/); joined = ""; for (p = 1; p in parts; p++) joined = parts[p] "-" joined; sum += length(joined) }
  print NR, words, total, sum
}

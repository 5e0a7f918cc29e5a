# Numbers stay below 2^30: mruby has no larger ones in 32 bits.
# Objects, hashes, strings and blocks: what programs in Ruby are made of.
class Node
  attr_reader :key, :left, :right, :words
  def initialize(key) = (@key = key; @words = [])
  def add(key, word)
    return @words << word if key == @key
    if key < @key
      (@left ||= Node.new(key)).add(key, word)
    else
      (@right ||= Node.new(key)).add(key, word)
    end
  end
  def each(&block)
    @left.each(&block) if @left
    block.call(self)
    @right.each(&block) if @right
  end
end

seed = 12345
random = ->(limit) { (seed = (seed * 2137 + 187) % 32749) % limit }
total = 0
40.times do |round|
  root = Node.new(500)
  counts = Hash.new(0)
  1500.times do |n|
    word = "word #{random.(300)} of #{round}"
    counts[word] += 1
    root.add(random.(1000), word * (1 + n % 4))
  end
  lines = []
  root.each { |node| lines << node.words.map { |word| word.upcase.reverse }.join("-") }
  text = lines.sort.join("\n")
  best = counts.sort_by { |word, count| [-count, word] }.first(5).map { |word, count| "#{word}=#{count}" }
  total = (total + text.size + text.split("\n").map(&:size).inject(0) { |a, b| a * 31 % 65521 + b } + best.join.size) % 1000003
end
puts total

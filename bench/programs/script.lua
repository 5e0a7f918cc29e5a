-- Tables, closures and strings: what programs in Lua are made of.
local seed = 12345
local function random(limit) seed = (seed * 1103515245 + 12345) % 2147483648; return seed % limit end
local Tree = {}
Tree.__index = Tree
function Tree.new(key) return setmetatable({ key = key, words = {} }, Tree) end
function Tree:add(key, word)
  if key == self.key then self.words[#self.words + 1] = word; return end
  local side = key < self.key and "left" or "right"
  local child = self[side]
  if not child then child = Tree.new(key); self[side] = child end
  child:add(key, word)
end
function Tree:each(visit)
  if self.left then self.left:each(visit) end
  visit(self)
  if self.right then self.right:each(visit) end
end
local total = 0
for round = 1, 60 do
  local root, counts = Tree.new(500), {}
  for n = 1, 3000 do
    local word = "word " .. random(300) .. " of " .. round
    counts[word] = (counts[word] or 0) + 1
    root:add(random(1000), word:rep(1 + n % 4))
  end
  local lines = {}
  root:each(function(node)
    local parts = {}
    for n, word in ipairs(node.words) do parts[n] = word:upper():reverse() end
    lines[#lines + 1] = table.concat(parts, "-")
  end)
  table.sort(lines)
  local text = table.concat(lines, "\n")
  local sum = 0
  for line in text:gmatch("[^\n]+") do sum = (sum * 31 + #line) % 65521 end
  local names = {}
  for word, count in pairs(counts) do names[#names + 1] = ("%06d %s"):format(count, word) end
  table.sort(names)
  total = (total + #text + sum + #table.concat(names):gsub("%d+", function(digits) return "#" .. #digits end)) % 1000000007
end
print(total)

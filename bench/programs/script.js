// A small language, interpreted by an interpreter: what programs in JavaScript are made of (objects, closures, strings, arrays,
// regular expressions, JSON). ECMAScript 5, for Duktape.
function tokens(text) {
  var found = [],
    pattern = /\s*(\d+|[a-z]\w*|[-+*\/()=;<,{}])/g,
    match;
  while ((match = pattern.exec(text))) found.push({ text: match[1], at: match.index });
  return found;
}
function Parser(list) {
  this.list = list;
  this.at = 0;
}
Parser.prototype.peek = function () {
  return this.at < this.list.length ? this.list[this.at].text : "";
};
Parser.prototype.take = function () {
  return this.list[this.at++].text;
};
Parser.prototype.sum = function () {
  var left = this.product();
  while (/^[-+<]$/.test(this.peek())) left = { kind: "binary", operator: this.take(), left, right: this.product() };
  return left;
};
Parser.prototype.product = function () {
  var left = this.atom();
  while (/^[*\/]$/.test(this.peek())) left = { kind: "binary", operator: this.take(), left, right: this.atom() };
  return left;
};
Parser.prototype.atom = function () {
  var text = this.take(),
    inner;
  if (text === "(") {
    inner = this.sum();
    this.take();
    return inner;
  }
  if (/^\d/.test(text)) return { kind: "number", value: Number(text) };
  return { kind: "name", name: text };
};
Parser.prototype.statements = function () {
  var list = [],
    name;
  while (this.peek() && this.peek() !== "}") {
    name = this.take();
    this.take();
    list.push({ kind: "assign", name, value: this.sum() });
    this.take();
  }
  return list;
};
function compile(node) {
  var left,
    right,
    name = node.name,
    value = node.value;
  switch (node.kind) {
    case "number":
      return function () {
        return value;
      };
    case "name":
      return function (scope) {
        return scope[name] || 0;
      };
    case "assign":
      value = compile(value);
      return function (scope) {
        return (scope[name] = value(scope));
      };
  }
  left = compile(node.left);
  right = compile(node.right);
  switch (node.operator) {
    case "+":
      return function (scope) {
        return left(scope) + right(scope);
      };
    case "-":
      return function (scope) {
        return left(scope) - right(scope);
      };
    case "*":
      return function (scope) {
        return (left(scope) * right(scope)) % 65521;
      };
    case "/":
      return function (scope) {
        return Math.floor(left(scope) / (right(scope) || 1));
      };
    default:
      return function (scope) {
        return left(scope) < right(scope) ? 1 : 0;
      };
  }
}
var seed = 12345;
function random(limit) {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed % limit;
}
function expression(depth) {
  if (depth === 0) return random(2) ? String(random(1000)) : "v" + random(20);
  return "(" + expression(depth - 1) + " " + "+-*/<".charAt(random(5)) + " " + expression(depth - 1) + ")";
}
var log = [],
  total = 0,
  round,
  source,
  tree,
  scope,
  n;
for (round = 0; round < 60; round++) {
  source = "";
  for (n = 0; n < 20; n++) source += "v" + random(20) + " = " + expression(3 + random(2)) + ";\n";
  tree = new Parser(tokens(source)).statements();
  tree = JSON.parse(JSON.stringify(tree));
  scope = {};
  tree.map(compile).forEach(function (run) {
    for (var again = 0; again < 20; again++) total = (total + run(scope)) % 1000000007;
  });
  Object.keys(scope)
    .sort(function (a, b) {
      return scope[a] - scope[b];
    })
    .forEach(function (key) {
      log.push(
        key.toUpperCase() +
          ":" +
          scope[key] +
          "|" +
          source
            .slice(0, 40)
            .split(" ")
            .reverse()
            .join("-")
            .replace(/\d+/g, function (digits) {
              return "#" + digits.length;
            })
      );
    });
}
log.sort();
print(total, log.length, log.join("").length, log[7]);

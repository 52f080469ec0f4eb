using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Hanbae.Client;

/// <summary>Reads YAML into maps, lists and texts: all that a kubeconfig is made of.</summary>
sealed class YamlTree
{
    const int MaxDepth = 32;

    readonly Dictionary<string, YamlTree>? _map;
    readonly List<YamlTree>? _list;
    readonly string _text;

    YamlTree(string text = "", Dictionary<string, YamlTree>? map = null, List<YamlTree>? list = null) => (_text, _map, _list) = (text, map, list);

    static readonly YamlTree None = new();

    public YamlTree this[string name] => _map is not null && _map.TryGetValue(name, out var value) ? value : None;
    public IReadOnlyList<YamlTree> Items => _list ?? [];
    public IEnumerable<KeyValuePair<string, YamlTree>> Members => _map ?? [];
    public bool IsNone => _text.Length == 0 && _map is null && _list is null;
    /// <summary>The scalar; empty when it is absent or null.</summary>
    public string Text => _text;
    public bool True => _text == "true";

    /// <exception cref="FormatException">No YAML.</exception>
    public static YamlTree Parse(string yaml)
    {
        try
        {
            var parser = new Parser(new StringReader(yaml));
            parser.Consume<StreamStart>();
            if (parser.Accept<StreamEnd>(out _)) return None;
            parser.Consume<DocumentStart>();
            return Read(parser, 0);
        }
        catch (YamlException e) { throw new FormatException(e.Message, e); }
    }

    static YamlTree Read(Parser parser, int depth)
    {
        if (depth > MaxDepth) throw new FormatException("nested too deep");
        if (parser.TryConsume<Scalar>(out var scalar))
            return new(scalar is { IsPlainImplicit: true, Style: ScalarStyle.Plain, Value: "null" or "~" } ? "" : scalar.Value);
        if (parser.TryConsume<SequenceStart>(out _))
        {
            var items = new List<YamlTree>();
            while (!parser.TryConsume<SequenceEnd>(out _)) items.Add(Read(parser, depth + 1));
            return new(list: items);
        }
        if (parser.TryConsume<MappingStart>(out _))
        {
            var members = new Dictionary<string, YamlTree>();
            while (!parser.TryConsume<MappingEnd>(out _)) members[parser.Consume<Scalar>().Value] = Read(parser, depth + 1);
            return new(map: members);
        }
        throw new FormatException("aliases are not supported");
    }
}

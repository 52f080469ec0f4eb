using System.Runtime.InteropServices;

namespace Hanbae.Machinery.Apply;

/// <summary>Which fields an object has: what whoever applies it says to own.</summary>
/// <remarks>As upstream's toFieldSetWalker: leaves, items of lists, keys of maps, and structures only where nothing is in them.</remarks>
public static class OwnedFields
{
    /// <exception cref="ApplyException">A list's item has no key.</exception>
    public static FieldSet Of(byte[] json, ApplyType type)
    {
        var tape = new JsonTape(json);
        try { return Below(tape, 0, type, [], out _); }
        finally { tape.Dispose(); }
    }

    static FieldSet Below(in JsonTape tape, int at, ApplyType type, List<FieldSet.Entry> stack, out bool owned)
    {
        byte kind = tape.Kind(at);
        var merging = Shapes.Of(type, kind);
        owned = merging == Merging.Leaf;
        bool container = kind == (merging == Merging.Fields ? '{' : '[');
        if (merging is Merging.Leaf or Merging.Ignored || !container) return FieldSet.Empty;
        int from = stack.Count;
        if (merging == Merging.Fields) Members(tape, at, type, stack);
        else Items(tape, at, type, stack);
        var set = FieldSet.Of(CollectionsMarshal.AsSpan(stack)[from..]);
        stack.RemoveRange(from, stack.Count - from);
        return set;
    }

    static void Members(in JsonTape tape, int at, ApplyType type, List<FieldSet.Entry> stack)
    {
        int cursor = -1;
        for (int n = tape[at].Count, child = at + 1; n > 0; n--, child += tape[child].Size)
        {
            var (element, member) = Shapes.Member(type, tape.Name(child), ref cursor);
            if (member.Merging == Merging.Ignored) continue;
            var below = Below(tape, child, member, stack, out bool owned);
            byte kind = tape.Kind(child);
            owned |= kind == 'n' || kind == '{' && tape[child].Count == 0 || !type.Declares(element.Text);
            stack.Add(new(element, owned, below));
        }
    }

    static void Items(in JsonTape tape, int at, ApplyType type, List<FieldSet.Entry> stack)
    {
        var seen = new Dictionary<PathElement, int>();
        for (int n = tape[at].Count, child = at + 1; n > 0; n--, child += tape[child].Size)
        {
            ref int count = ref CollectionsMarshal.GetValueRefOrAddDefault(seen, ListKeys.Of(tape, child, type), out _);
            count++;
        }
        for (int n = tape[at].Count, child = at + 1; n > 0; n--, child += tape[child].Size)
        {
            var element = ListKeys.Of(tape, child, type);
            int count = seen[element];
            // Items that share a key are owned together, whatever is in them.
            if (count > 1) seen[element] = 0;
            if (count > 0) stack.Add(new(element, true, count > 1 ? null : Below(tape, child, type.Items, stack, out _)));
        }
    }
}

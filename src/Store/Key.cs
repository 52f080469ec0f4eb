using System.Text;

namespace Hanbae.Store;

/// <summary>Names an entry: a path such as <c>/registry/pods/default/web-0</c>, ordered by its UTF-8 bytes as etcd orders it.</summary>
public readonly struct Key : IEquatable<Key>, IComparable<Key>
{
    readonly string? _path;

    /// <exception cref="ArgumentException">Not a path, longer than <see cref="StoreLimits.MaxKeyLength"/>, or text that UTF-8 cannot carry.</exception>
    public Key(string path)
    {
        if (path.Length < 2 || path[0] != '/') throw new ArgumentException($"a key begins with '/' and names something: \"{path}\"", nameof(path));
        if (path.Length > StoreLimits.MaxKeyLength) throw new ArgumentException($"a key has at most {StoreLimits.MaxKeyLength} characters, this one {path.Length}", nameof(path));
        if (path.Contains('\0') || !Bytewise.IsWellFormed(path)) throw new ArgumentException("a key is well-formed text without NUL", nameof(path));
        _path = path;
    }

    Key(string path, bool _) => _path = path;

    public string Path => _path ?? "";

    /// <summary>For what a store wrote itself and need not look at again.</summary>
    internal static Key Trusted(string path) => new(path, true);

    public int CompareTo(Key other) => Bytewise.Compare(Path, other.Path);
    public bool Equals(Key other) => string.Equals(Path, other.Path, StringComparison.Ordinal);
    public override bool Equals(object? obj) => obj is Key other && Equals(other);
    public override int GetHashCode() => Path.GetHashCode(StringComparison.Ordinal);
    public override string ToString() => Path;

    public static bool operator ==(Key a, Key b) => a.Equals(b);
    public static bool operator !=(Key a, Key b) => !a.Equals(b);
    public static bool operator <(Key a, Key b) => a.CompareTo(b) < 0;
    public static bool operator >(Key a, Key b) => a.CompareTo(b) > 0;
    public static bool operator <=(Key a, Key b) => a.CompareTo(b) <= 0;
    public static bool operator >=(Key a, Key b) => a.CompareTo(b) >= 0;
}

/// <summary>Orders UTF-16 text as its UTF-8 bytes are ordered, which ordinal order does not above U+FFFF.</summary>
static class Bytewise
{
    public static int Compare(string a, string b)
    {
        int at = a.AsSpan().CommonPrefixLength(b);
        if (at == a.Length || at == b.Length) return a.Length.CompareTo(b.Length);
        char x = a[at], y = b[at];
        // Surrogates stand for code points above every other char: lift them there.
        if (x >= 0xD800 && y >= 0xD800) return char.IsSurrogate(x).CompareTo(char.IsSurrogate(y)) is var lifted and not 0 ? lifted : x.CompareTo(y);
        return x.CompareTo(y);
    }

    public static bool IsWellFormed(string text)
    {
        if (Ascii.IsValid(text)) return true;
        for (var rest = text.AsSpan(); rest.Length > 0;)
        {
            if (Rune.DecodeFromUtf16(rest, out _, out int used) != System.Buffers.OperationStatus.Done) return false;
            rest = rest[used..];
        }
        return true;
    }

    /// <summary>The first text that is after all texts with this prefix; null when there is none.</summary>
    public static string? EndOfPrefix(string prefix)
    {
        for (var rest = prefix.AsSpan(); rest.Length > 0;)
        {
            Rune.DecodeLastFromUtf16(rest, out var last, out int used);
            rest = rest[..^used];
            if (last.Value < 0x10FFFF) return string.Concat(rest, new Rune(last.Value == 0xD7FF ? 0xE000 : last.Value + 1).ToString());
        }
        return null;
    }
}

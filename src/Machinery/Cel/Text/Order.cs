namespace Hanbae.Machinery.Cel.Text;

/// <summary>Orders strings by code point, as UTF-8 does and UTF-16 does not.</summary>
static class Order
{
    public static int Compare(string a, string b)
    {
        int at = a.AsSpan().CommonPrefixLength(b);
        if (at == a.Length || at == b.Length) return a.Length.CompareTo(b.Length);
        bool first = char.IsSurrogate(a[at]), second = char.IsSurrogate(b[at]);
        if (first != second) return first ? 1 : -1;
        return a[at].CompareTo(b[at]);
    }
}

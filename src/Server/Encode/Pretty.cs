namespace Hanbae.Server.Encode;

/// <summary>Indents compact JSON by two spaces, as Go's MarshalIndent does.</summary>
static class Pretty
{
    public static byte[] Print(ReadOnlySpan<byte> json)
    {
        var to = new List<byte>(json.Length * 2);
        int depth = 0;
        bool quoted = false;
        for (int i = 0; i < json.Length; i++)
        {
            byte c = json[i];
            if (quoted)
            {
                to.Add(c);
                if (c == '\\') to.Add(json[++i]);
                else if (c == '"') quoted = false;
                continue;
            }
            switch ((char)c)
            {
                case '"': quoted = true; to.Add(c); break;
                case '{' or '[':
                    to.Add(c);
                    if (i + 1 < json.Length && json[i + 1] is (byte)'}' or (byte)']') to.Add(json[++i]);
                    else Break(to, ++depth);
                    break;
                case '}' or ']': Break(to, --depth); to.Add(c); break;
                case ',': to.Add(c); Break(to, depth); break;
                case ':': to.Add(c); to.Add((byte)' '); break;
                default: to.Add(c); break;
            }
        }
        return [.. to];
    }

    static void Break(List<byte> to, int depth)
    {
        to.Add((byte)'\n');
        for (int i = 0; i < depth * 2; i++) to.Add((byte)' ');
    }
}

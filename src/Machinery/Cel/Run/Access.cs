namespace Hanbae.Machinery.Cel.Run;

/// <summary>Selects from maps, objects, lists and optionals.</summary>
static class Access
{
    /// <param name="optional">Absence is none rather than an error, and presence is wrapped.</param>
    public static CelValue Get(CelValue from, CelValue key, bool optional)
    {
        if (from is CelOptional wrapped)
        {
            if (wrapped.Value is null) return wrapped;
            (from, optional) = (wrapped.Value, true);
        }
        switch (from)
        {
            case CelMap map:
                if (map.Find(key) is { } value) return value is CelError || !optional ? value : CelOptional.Of(value);
                if (optional) return CelOptional.None;
                if (CelKey.Of(key) is null) return new CelError($"unsupported key type: {key.Type.Name}");
                return CelError.NoSuchKey(Text.ValueText.Plain(key));
            case CelList list:
                if (Place(key) is not { } place) return key is CelString ? new CelError($"unsupported index type '{key.Type.Name}' in list") : CelError.NoSuchOverload;
                if (place < 0 || place >= list.Count) return optional ? CelOptional.None : new CelError($"index out of bounds: {place}");
                var item = list[(int)place];
                return item is CelError || !optional ? item : CelOptional.Of(item);
            case CelError: return from;
            // What has no parts at all lacks this one, too.
            default: return optional ? CelOptional.None : CelError.NoSuchKey(Text.ValueText.Plain(key));
        }
    }

    static Int128? Place(CelValue key) => key switch
    {
        CelInt i => i.Value,
        CelUint u => u.Value,
        CelDouble d when Math.Floor(d.Value) == d.Value && Math.Abs(d.Value) < 1e18 => (Int128)d.Value,
        _ => null,
    };
}

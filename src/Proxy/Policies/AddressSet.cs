using System.Collections.Immutable;
using Hanbae.Proxy.Rules;

namespace Hanbae.Proxy.Policies;

/// <summary>A set in the kernel, of which each element is in as long as anyone says so: for a moment two Pods may have one address.</summary>
/// <param name="Type">Of the elements, as nft has it.</param>
internal sealed class AddressSet(string type)
{
    readonly ImmutableSortedDictionary<string, string>.Builder _elements = RuleElements.None.ToBuilder();
    readonly Dictionary<string, int> _sayers = [];

    /// <summary>How many policies ask for it.</summary>
    public int Users { get; set; }

    public void Add(string element)
    {
        int sayers = _sayers.GetValueOrDefault(element);
        _sayers[element] = sayers + 1;
        if (sayers == 0) _elements[element] = "";
    }

    public void Remove(string element)
    {
        if (--_sayers[element] > 0) return;
        _sayers.Remove(element);
        _elements.Remove(element);
    }

    public RuleMap Build() => new(type, _elements.ToImmutable(), IsSet: true);
}

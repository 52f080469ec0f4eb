using System.Security.Cryptography;
using System.Text;

namespace Hanbae.Proxy.Rules;

/// <summary>Names chains and sets by what they are of: nft allows letters, digits and little else, and a bound length.</summary>
internal static class RuleName
{
    public static string Of(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));
}

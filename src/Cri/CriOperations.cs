using System.Text;

namespace Hanbae.Cri;

/// <summary>What upstream's metrics call the runtime's methods: <c>run_podsandbox</c>.</summary>
public static class CriOperations
{
    public static string NameOf(string method)
    {
        var name = new StringBuilder();
        foreach (char c in method == "UpdateContainerResources" ? "UpdateContainer" : method.Replace("PodSandbox", "Podsandbox", StringComparison.Ordinal))
            if (char.IsUpper(c)) name.Append(name.Length > 0 ? "_" : "").Append(char.ToLowerInvariant(c)); else name.Append(c);
        return name.ToString();
    }
}

using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Pods;

/// <summary>Computes the variables a container starts with, from <c>env</c>, <c>envFrom</c>, Services and the Pod itself.</summary>
public interface IContainerEnvironments
{
    /// <param name="pod">With the status it is to have: Pod and host addresses for <c>fieldRef</c> are taken from there.</param>
    /// <param name="container">An app, init or ephemeral container (these as <see cref="Container"/>).</param>
    /// <exception cref="ContainerConfigException">A reference cannot be resolved.</exception>
    Task<ContainerEnvironment> ForAsync(Pod pod, Container container, CancellationToken ct);
}

/// <summary>A container's variables.</summary>
/// <param name="Variables">In order, each name once, values expanded.</param>
public sealed record ContainerEnvironment(Seq<KeyValuePair<string, string>> Variables)
{
    public static ContainerEnvironment Empty { get; } = new(default(Seq<KeyValuePair<string, string>>));

    /// <summary>Replaces <c>$(NAME)</c> by the variable's value; unknown names stay as they are, <c>$$</c> is <c>$</c>. For command, args and <c>subPathExpr</c>.</summary>
    /// <param name="strict">Unknown and empty names are errors, as <c>subPathExpr</c> has it.</param>
    /// <exception cref="ContainerConfigException">Only when <paramref name="strict"/>.</exception>
    public string Expand(string text, bool strict = false)
    {
        if (!text.Contains('$')) return text;
        var made = new System.Text.StringBuilder(text.Length);
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] != '$' || at + 1 == text.Length) { made.Append(text[at]); continue; }
            char next = text[at + 1];
            if (next == '$') { made.Append('$'); at++; continue; }
            int end = next == '(' ? text.IndexOf(')', at + 2) : -1;
            if (end < 0) { made.Append('$').Append(next); at++; continue; } // as upstream: an operator without its end stays
            string name = text[(at + 2)..end];
            int index = Variables.IndexOf(v => v.Key == name);
            if (strict && (index < 0 || Variables[index].Value.Length == 0)) throw new ContainerConfigException($"missing value for \"{name}\"");
            if (index >= 0) made.Append(Variables[index].Value); else made.Append(text, at, end + 1 - at);
            at = end;
        }
        return made.ToString();
    }
}

/// <summary>A container cannot be made from its spec: the waiting reason <c>CreateContainerConfigError</c>.</summary>
public sealed class ContainerConfigException(string message) : Exception(message);
